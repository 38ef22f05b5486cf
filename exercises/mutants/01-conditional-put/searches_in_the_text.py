# fails with: tags are compared whole
def decide(etag, if_match):
    if if_match is None:
        return 428
    if if_match.strip() == "*":
        return 200 if etag is not None else 412
    tags = [tag.strip() for tag in if_match.split(",")]
    return (
        200
        if etag is not None
        and not etag.startswith("W/")
        and etag.strip('"') in if_match
        and not if_match.startswith("W/")
        else 412
    )
