# fails with: refuse what they do not know
def down(user):
    parts = user["name"]["given"], user["name"]["family"]
    emails = user["emails"]
    return {
        **user,
        "id": user["id"],
        "name": " ".join(part for part in parts if part),
        "email": emails[0] if emails else "",
        "active": user["state"] == "active",
    }
