# fails with: that address is not a public one
def may_call(url, addresses):
    return url.startswith("https://") and "localhost" not in url and "127.0.0.1" not in url
