"""Rules that tables share, and those of single tables: vectorised checks over a block of rows."""
