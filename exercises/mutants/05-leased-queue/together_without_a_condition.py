# fails with: the job was done and counted 2 times
def work(request):
    job = yield "get", "queue", "job"
    if job is None or job["state"] == "done":
        yield "reply", 204, {}
        return
    yield "together", ("put", "queue", "job", {"state": "done"}), ("add", "results", "done", 1)
    yield "reply", 200, {}
