# fails with: where there is no resource
def decide(etag, if_match):
    if if_match is None:
        return 428
    if if_match.strip() == "*":
        return 200
    tags = [tag.strip() for tag in if_match.split(",")]
    return 200 if etag in tags and not etag.startswith("W/") else 412
