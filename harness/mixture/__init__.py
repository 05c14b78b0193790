"""The steps of `xharness train`: what a mixture comes to, its data, and the card of what came out."""
