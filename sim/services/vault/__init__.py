"""A vault of documents behind layers that can be removed one at a time, and the attacks on it."""
