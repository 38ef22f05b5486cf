"""Live: the same flows on real stores and real threads, where nobody decides who comes first."""
