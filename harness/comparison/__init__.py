"""The steps of `harness.compare`: reading systems, drawing them together, contrasting them."""
