# fails with: the present tag is there
def decide(etag, if_match):
    if if_match is None:
        return 428
    if if_match.strip() == "*":
        return 200 if etag is not None else 412
    tags = [if_match]
    return 200 if etag in tags and not etag.startswith("W/") else 412
