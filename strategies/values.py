"""Single values that images are made of, valid ones, from the plainest to the strangest."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime

from hypothesis import strategies as st

from conformance.contract.fields import NAME_MAXIMUM
from conformance.contract.insert_request import FRESH
from conformance.contract.plain_bodies import CUSTOMER_KEY

__all__ = ["CUSTOMER_KEY", "FRESH"]

OTHER_CUSTOMER_KEY = base64.b64encode(b"conformance-suite-256-bit-key-02").decode()
KEY_OF_EVERY_SIGN = base64.b64encode(bytes(range(224, 256))).decode()
"""With the two signs that the alphabets of base64 differ in."""

WRAPPED_KEY = base64.b64encode(bytes(range(256))).decode()
"""Of the size that RSA with 2048 bits makes of a key; no certificate of anybody's has wrapped it."""

KMS_KEY = "projects/conformance/locations/us/keyRings/ring/cryptoKeys/key"
SERVICE_ACCOUNT = "images@conformance.iam.gserviceaccount.com"
LICENSE = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses/debian-9-stretch"
OTHER_LICENSE = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses/debian-10-buster"
REPLACEMENT = "projects/debian-cloud/global/images/debian-12"
LOCATIONS = ("zones/us-central1-a", "zones/europe-west1-b")
EXACT_LICENSE_CODE = 2**53 + 1
"""The smallest code that a reader of JSON numbers as doubles cannot keep."""

_LOWER = string.ascii_lowercase
_DIGITS = string.digits

names = st.builds(
    lambda first, middle, last: first + middle + last,
    st.sampled_from(_LOWER),
    st.text(alphabet=_LOWER + _DIGITS + "-", max_size=NAME_MAXIMUM - 2),
    st.sampled_from(_LOWER + _DIGITS),
)
"""Names that RFC 1035 allows, of 2 characters and more."""

name_tails = st.builds(
    lambda middle, last: middle + last,
    st.text(alphabet=_LOWER + _DIGITS + "-", max_size=NAME_MAXIMUM - 33),
    st.sampled_from(_LOWER + _DIGITS),
)
"""What names of images may end with, short enough to stand behind those that the run gives."""

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
"""Text of every plane of Unicode; by categories, since Hypothesis takes seconds to set up a codec."""

label_keys = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(_LOWER),
    st.text(alphabet=_LOWER + _DIGITS + "_-", max_size=NAME_MAXIMUM - 1),
).filter(lambda key: not key.startswith("goog"))
label_values = st.text(alphabet=_LOWER + _DIGITS + "_-", max_size=NAME_MAXIMUM)
labels = st.dictionaries(label_keys, label_values, max_size=8)
"""Labels within the ASCII part of the limits."""

customer_keys = st.binary(min_size=32, max_size=32).map(lambda content: base64.b64encode(content).decode())

disk_sizes = st.one_of(st.sampled_from([10, 11, 2000]), st.integers(10, 2000)).map(str)
license_codes = st.one_of(st.just(EXACT_LICENSE_CODE), st.integers(1, 2**62)).map(str)
storage_locations = st.sampled_from(["us", "eu", "asia", "us-central1", "europe-west1"])
timestamps = st.builds(
    lambda moment, suffix: datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S") + suffix,
    st.integers(946_684_800, 4_102_444_800),
    st.sampled_from(["Z", ".123Z", "+00:00", "-07:00", ".000000001+05:30"]),
)
"""Times of the years 2000 to 2100."""
