"""The database's own history, one file a step."""
