"""Publishing: a fresh read-only file a build, a pointer to the newest, and the end of old ones."""
