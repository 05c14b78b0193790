"""The embedded default: generated languages, a tiny random encoder, the main job on both."""
