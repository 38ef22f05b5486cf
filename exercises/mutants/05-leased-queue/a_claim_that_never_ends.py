# fails with: it is lost
def work(request):
    job = yield "get", "queue", "job"
    mine = False
    if job is not None and job["state"] == "waiting":
        mine = yield "replace", "queue", "job", job, {"state": "taken"}
    if not mine:
        yield "reply", 204, {}
        return
    yield "together", ("replace", "queue", "job", {"state": "taken"}, {"state": "done"}), ("add", "results", "done", 1)
    yield "reply", 200, {}
