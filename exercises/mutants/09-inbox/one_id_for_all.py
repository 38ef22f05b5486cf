# fails with: each id is an event of its own
def receive(request):
    yield "together", ("insert", "inbox", "event", {}), ("add", "balance", "total", request.json()["amount"])
    yield "reply", 200, {}
