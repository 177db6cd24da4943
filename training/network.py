"""The tagger's network in PyTorch, for training; `nlp2filters.core.parser.tagger.Tagger` runs the same with NumPy."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from nlp2filters.core.parser import tagger

WORD, FIELD, GRID, POOL, VECTOR = 128, 96, 48, 32, 384
DROPOUT = 0.1
BEGIN_WEIGHT, ASK_WEIGHT = 0.3, 0.5  # Weights of two of the three losses.


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples: b of them, with t tokens and n fields at the most. Labels are n for none, -100 for padding."""

    words: Tensor  # [b, t, 384]
    flags: Tensor  # [b, t, FLAGS]
    links: Tensor  # [b, t, n, LINKS]
    fields: Tensor  # [b, n, 2, 384]
    kinds: Tensor  # [b, n, TYPES]
    is_token: Tensor  # [b, t], bool
    is_field: Tensor  # [b, n], bool
    labels: Tensor  # [b, t]
    begins: Tensor  # [b, t]
    asked: Tensor  # [b, n]


class Network(nn.Module):
    """The names of its layers are those of the weights that `Tagger` reads."""

    def __init__(self) -> None:
        super().__init__()
        heads, plain = tagger.HEADS * tagger.HEAD_SIZE, tagger.PLAIN_HEADS * tagger.PLAIN_SIZE
        self.word, self.flag = nn.Linear(VECTOR, WORD), nn.Linear(tagger.FLAGS, WORD, bias=False)
        self.conv = nn.ModuleList(nn.Conv1d(WORD, WORD, 3, padding=1) for _ in range(2))
        self.title, self.about = nn.Linear(VECTOR, FIELD), nn.Linear(VECTOR, FIELD, bias=False)
        self.kind = nn.Linear(tagger.TYPES, FIELD, bias=False)
        self.qh, self.kh = nn.Linear(WORD, heads, bias=False), nn.Linear(FIELD, heads, bias=False)
        self.qx, self.kt, self.ka = (nn.Linear(VECTOR, plain, bias=False) for _ in range(3))
        self.g = nn.Linear(tagger.HEADS + 2 * tagger.PLAIN_HEADS + tagger.LINKS, GRID)
        self.gh, self.gf = nn.Linear(WORD, GRID, bias=False), nn.Linear(FIELD, GRID, bias=False)
        self.gc = nn.ModuleList(
            nn.Conv1d(GRID, GRID, 5, padding=2 * dilation, dilation=dilation) for dilation in tagger.DILATIONS
        )
        self.gm = nn.ModuleList(nn.Linear(GRID, GRID, bias=False) for _ in tagger.DILATIONS)
        self.out, self.none_h, self.none_m = nn.Linear(GRID, 1), nn.Linear(WORD, 1), nn.Linear(GRID, 1, bias=False)
        self.beg = nn.Linear(GRID + WORD, 1)
        self.ask, self.ask2 = nn.Linear(2 * GRID + FIELD, POOL), nn.Linear(POOL, 1)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits: of the fields and of none [b, t, n + 1], of beginnings [b, t], of fields asked for [b, n]."""
        b, t, n = batch.links.shape[:3]
        tokens = batch.is_token.float()[..., None]
        text = torch.relu(self.word(self.drop(batch.words)) + self.flag(batch.flags)) * tokens
        for layer in self.conv:
            text = (text + self.drop(torch.relu(layer(text.mT).mT))) * tokens
        titles, abouts = batch.fields[:, :, 0], batch.fields[:, :, 1]
        about = torch.relu(self.title(self.drop(titles)) + self.about(self.drop(abouts)) + self.kind(batch.kinds))
        query = self.qx(batch.words)
        scores = [
            _heads(self.qh(text), self.kh(about), tagger.HEADS) / tagger.HEAD_SIZE**0.5,
            _heads(query, self.kt(titles), tagger.PLAIN_HEADS),
            _heads(query, self.ka(abouts), tagger.PLAIN_HEADS),
            batch.links,
        ]
        cells = (tokens[:, :, None] * batch.is_field.float()[:, None, :, None]).expand(b, t, n, 1)
        grid = torch.relu(self.g(torch.cat(scores, -1)) + self.gh(text)[:, :, None] + self.gf(about)[:, None]) * cells
        for layer, across in zip(self.gc, self.gm, strict=True):
            best = across(grid.amax(2))[:, :, None]
            along = layer(grid.permute(0, 2, 3, 1).reshape(b * n, GRID, t)).view(b, n, GRID, t).permute(0, 3, 1, 2)
            grid = (grid + self.drop(torch.relu(along + best))) * cells
        best = grid.amax(2)
        none = self.none_h(text) + self.none_m(best)
        logits = torch.cat([self.out(grid)[..., 0].masked_fill(~batch.is_field[:, None], -1e4), none], -1)
        begins = self.beg(torch.cat([best, text], -1))[..., 0]
        pooled = torch.cat([grid.amax(1), grid.sum(1) / tokens.sum(1)[:, None], about], -1)
        return logits, begins, self.ask2(torch.relu(self.ask(pooled)))[..., 0]

    def loss(self, batch: Batch) -> Tensor:
        """The weighted sum of the cross entropies."""
        logits, begins, asked = self(batch)
        entropy = functional.binary_cross_entropy_with_logits
        return (
            functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=-100)
            + BEGIN_WEIGHT * entropy(begins[batch.is_token], batch.begins[batch.is_token])
            + ASK_WEIGHT * entropy(asked[batch.is_field], batch.asked[batch.is_field])
        )


def _heads(queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """Products by head: [b, t, heads * r] and [b, n, heads * r] to [b, t, n, heads]."""
    return torch.einsum("btkr,bnkr->btnk", queries.unflatten(-1, (heads, -1)), keys.unflatten(-1, (heads, -1)))
