"""Commands: one file each, which parses, makes one call and shows what came of it."""
