"""Services: the course's APIs as flows without I/O, one story a module."""
