# fails with: remember the result by the item's id
def batch(request):
    results = []
    for item in request.json()["items"]:
        if "@" not in item["email"]:
            status = 422
        else:
            made = yield (
                "together",
                ("insert", "users", item["email"], {"email": item["email"]}),
            )
            known = None if made else (yield "get", "items", item["id"])
            status = 201 if made or known is not None else 409
        results.append({"id": item["id"], "status": status})
    yield "reply", 207, {"results": results}
