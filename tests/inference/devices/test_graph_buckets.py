"""A decode step has a bucket that holds it, and the buckets share their memory."""

from itertools import pairwise

import torch

from inference.devices.graph_buckets import MOST_ROWS, Bucket, StepInputs, buckets, choose_bucket
from inference.models.batch import Work
from tests.inference.devices.decode_steps import STEPS, decoding

CPU = torch.device("cpu")


def test_a_step_takes_the_smallest_bucket_and_a_prompt_takes_none() -> None:
    among = list(buckets(1000, 100))
    chosen = {name: choose_bucket(decoding(*sequences), among) for name, sequences in STEPS.items()}
    assert chosen["a token"] == chosen["the first token"] == Bucket(1, 1, 128)
    assert chosen["padding rows"] == Bucket(1, 4, 128)
    assert chosen["most rows"] == Bucket(1, 17, 128)
    assert chosen["padding sequences"] == Bucket(4, 1, 128)
    assert chosen["both"] == Bucket(4, 8, 128)
    assert chosen["a wider bucket"] == Bucket(2, 2, 1000)
    reads = Work([1] * 4, 0, range(3), 1)
    for works in ([reads], [*decoding((1, 40)), reads], decoding((18, 0)), decoding(*[(1, 0)] * 17)):
        assert choose_bucket(works, among) is None
    assert choose_bucket(decoding((5, 0)), list(buckets(1000, 8))) is None  # attention would expand the context


def test_every_step_of_decoding_sequences_with_their_share_of_drafts_has_a_bucket() -> None:
    among = list(buckets(64, 100))
    for sequences in range(1, 17):
        assert choose_bucket([Work([0] * (1 + 16 // sequences), 0, range(64), 1 + 16 // sequences)] * sequences, among)
    assert max(bucket.all_rows for bucket in among) == MOST_ROWS


def test_the_buffers_of_all_buckets_are_one_memory() -> None:
    """A cache of a million tokens takes less than 5 MB for all page tables."""
    among = list(buckets(1 << 16, 100))
    inputs = StepInputs(among, CPU)
    assert inputs.nbytes < 5 << 20
    assert {inputs.batch(bucket).tokens.data_ptr() for bucket in among} == {inputs._device.data_ptr()}
    for bucket in among:
        batch = inputs.batch(bucket)
        group = batch.groups[0]
        parts = (batch.tokens, batch.positions, batch.slots, batch.logit_rows, group.lengths, group.page_tables)
        ends = [(part.data_ptr(), part.data_ptr() + part.nbytes) for part in parts]
        assert all(end <= start for (_, end), (start, _) in pairwise(ends))
        assert all(address % 16 == ends[0][0] % 16 for address, _ in ends)
