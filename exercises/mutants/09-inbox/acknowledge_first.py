# fails with: it will never come again
def receive(request):
    yield "reply", 200, {}
    yield (
        "together",
        ("insert", "inbox", request.headers["webhook-id"], {}),
        ("add", "balance", "total", request.json()["amount"]),
    )
