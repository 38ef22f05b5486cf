# fails with: no blank is left behind
def down(user):
    parts = user["name"]["given"], user["name"]["family"]
    emails = user["emails"]
    return {
        "id": user["id"],
        "name": " ".join(parts),
        "email": emails[0] if emails else "",
        "active": user["state"] == "active",
    }
