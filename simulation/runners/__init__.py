"""Where a campaign's parts are solved: processes of this machine, or a Dask cluster."""
