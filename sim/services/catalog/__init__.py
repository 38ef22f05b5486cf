"""A product catalogue: single products behind caches, and lists in pages."""
