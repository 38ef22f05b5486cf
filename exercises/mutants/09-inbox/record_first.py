# fails with: it will never come again
def receive(request):
    new = yield "insert", "inbox", request.headers["webhook-id"], {}
    if new:
        yield "add", "balance", "total", request.json()["amount"]
    yield "reply", 200, {}
