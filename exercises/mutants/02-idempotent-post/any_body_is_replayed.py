# fails with: a replay would tell a client
def pay(request):
    caller, amount = request.headers["Caller"], request.json()["amount"]
    record = f"{caller}/{request.key}"
    paid = yield (
        "together",
        ("insert", "payments", record, {"amount": amount}),
        ("add", "wallets", caller, -amount),
    )
    if not paid:
        known = yield "get", "payments", record
        if known is None:
            yield "reply", 422, {"title": "this key was used for another amount"}
            return
    yield "reply", 201, {"amount": amount}
