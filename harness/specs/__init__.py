"""Frozen, validated models of what users write in YAML. No files are touched here."""
