"""The run folder: layout, file formats, tables and reports."""
