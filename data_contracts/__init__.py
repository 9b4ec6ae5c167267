"""What every table and every message of Switchyard must look like, and what happens to those that do not."""

from data_contracts.version import CONTRACT_VERSION

__all__ = ["CONTRACT_VERSION"]
