# fails with: the types and meanings of version 1
def down(user):
    parts = user["name"]["given"], user["name"]["family"]
    emails = user["emails"]
    return {
        "id": user["id"],
        "name": " ".join(part for part in parts if part),
        "email": emails[0] if emails else "",
        "active": user["state"],
    }
