"""The wind tunnel: generated languages of known typology, and data of every kind of task in them."""
