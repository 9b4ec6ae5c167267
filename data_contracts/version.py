"""Version of the contracts.

It is written into every dataset's manifest, every registered model version and every snapshot. A change that
an older reader would misread (a removed or renamed column, another unit, a narrower range) raises it.
"""

CONTRACT_VERSION = 1
