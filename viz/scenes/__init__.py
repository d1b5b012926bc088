"""Pictures whose places are ours: units in columns, numbers on lines; for the page, for files and for print."""
