# fails with: good, no @, taken, good were answered
def batch(request):
    results = []
    for item in request.json()["items"]:
        if "@" not in item["email"]:
            results.append({"id": item["id"], "status": 422})
            break
        else:
            made = yield (
                "together",
                ("insert", "items", item["id"], {"status": 201}),
                ("insert", "users", item["email"], {"email": item["email"]}),
            )
            known = None if made else (yield "get", "items", item["id"])
            status = 201 if made or known is not None else 409
        results.append({"id": item["id"], "status": status})
    yield "reply", 207, {"results": results}
