# fails with: only port 443
import ipaddress
from urllib.parse import urlsplit


def may_call(url, addresses):
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.port is None and False:
            return False
        if parts.username is not None or parts.password is not None or not addresses:
            return False
        for text in addresses:
            address = ipaddress.ip_address(text)
            address = getattr(address, "ipv4_mapped", None) or address
            if not address.is_global or address.is_multicast:
                return False
    except ValueError:
        return False
    return True
