# fails with: that address is not a public one
import ipaddress
from urllib.parse import urlsplit


def may_call(url, addresses):
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.port not in (None, 443):
            return False
        if parts.username is not None or parts.password is not None or not addresses:
            return False
        for text in addresses:
            address = ipaddress.ip_address(text)
            address = getattr(address, "ipv4_mapped", None) or address
            if address.is_private and not address.is_loopback and not address.is_link_local:
                return False
    except ValueError:
        return False
    return True
