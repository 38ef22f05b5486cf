# fails with: no address is an empty text
def down(user):
    parts = user["name"]["given"], user["name"]["family"]
    emails = user["emails"]
    return {
        "id": user["id"],
        "name": " ".join(part for part in parts if part),
        "email": emails[0] if emails else None,
        "active": user["state"] == "active",
    }
