# fails with: the sender would try for three days
def receive(request):
    new = yield (
        "together",
        ("insert", "inbox", request.headers["webhook-id"], {}),
        ("add", "balance", "total", request.json()["amount"]),
    )
    yield "reply", 200 if new else 409, {}
