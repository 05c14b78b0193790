"""YAML files on disk: reading them safely, finding them by name, validating them into specs."""
