"""Files that go into exports as they stand, and run in the eval tools' own environments."""
