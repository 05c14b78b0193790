"""The steps of `xharness study`: its plan, the graph of what is to be done, and what it comes to."""
