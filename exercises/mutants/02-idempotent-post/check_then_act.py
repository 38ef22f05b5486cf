# fails with: the wallet paid 40 for one payment of 20
def pay(request):
    caller, amount = request.headers["Caller"], request.json()["amount"]
    record = f"{caller}/{request.key}"
    known = yield "get", "payments", record
    if known is None:
        yield "together", ("put", "payments", record, {"amount": amount}), ("add", "wallets", caller, -amount)
    elif known["amount"] != amount:
        yield "reply", 422, {}
        return
    yield "reply", 201, {"amount": amount}
