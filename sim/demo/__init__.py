"""The stage of a live demo: `sim demo`.

A page of its own, served by Voilà on this machine: a question in large type, a prediction by the audience, two policies
run and played side by side, and the rubric for the presenter alone.
"""
