# fails with: the job was done and counted 2 times
def work(request):
    job = yield "get", "queue", "job"
    if job is None:
        yield "reply", 204, {}
        return
    yield "add", "results", "done", 1
    yield "delete", "queue", "job"
    yield "reply", 200, {}
