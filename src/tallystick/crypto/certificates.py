"""Reading TLS certificates: until when, and for whom. Whether one is trusted is OpenSSL's to say."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID


def read_certificate(der: bytes) -> tuple[int, tuple[str, ...]]:
    """Gives the instant until which a certificate is good, in seconds, and the hosts that it is for (RFC 5280, RFC 9525).

    Args:
        der: the certificate.

    Raises:
        ValueError: it is none.
    """
    certificate = x509.load_der_x509_certificate(der)
    return int(certificate.not_valid_after_utc.timestamp()), _names(certificate)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    addresses = [str(one) for one in listed.get_values_for_type(x509.IPAddress)]
    return (*listed.get_values_for_type(x509.DNSName), *addresses)
