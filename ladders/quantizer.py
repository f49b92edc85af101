"""CRFs on an even scale: SVT-AV1's last ones are farther apart in its quantizer than in their numbers.

Of all codecs only AV1 has CRFs above 61.75 here (x264 and x265 end at 51), so the scale needs no codec.

Source: the table ``quantizer_to_qindex`` of SVT-AV1 (and of libaom): index 4 n for n up to 61, but 249 for 62 and 255
for 63; a quarter of a CRF adds one. So from 62.75 to 63 it is three quarters of a CRF (decision 0054).
"""

import numpy as np
from numpy.typing import NDArray

_CRFS = np.asarray([0.0, 61.75, 62.0, 62.75, 63.0])
_EVEN = np.asarray([0.0, 247.0, 249.0, 252.0, 255.0]) / 4.0


def even_crfs(crfs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns CRFs in [0, 63] on the even scale, where one of 62.75 is 63 and one of 63 is 63.75; any shape."""
    return np.asarray(np.interp(crfs, _CRFS, _EVEN), dtype=np.float64)


def crfs_of_even(even: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the CRFs of values on the even scale in [0, 63.75]; any shape."""
    return np.asarray(np.interp(even, _EVEN, _CRFS), dtype=np.float64)
