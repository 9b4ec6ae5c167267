"""Published and closed-form cases beside ours; `python -m studies.validation` writes the page of them."""
