"""Related posts as one would write them with scikit-learn; runs in an environment that has it.

    python lexical.py bm25|svd < POSTS > LISTS

Posts are JSON objects, one a line, as in the corpora. Both know the title, the tags and the plain text of a post.

bm25: the query is the title, the tags and the 25 terms of the post that weigh most; k1 = 1.2, b = 0.75.
svd: TF-IDF without English stop words and with damped counts, brought to 200 dimensions; the cosine.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize

Post = dict[str, Any]
Scores = npt.NDArray[np.float64]
"""How alike each post, a row, is to each, a column."""

LENGTH = 10
TERMS = 25
K1, B = 1.2, 0.75
DIMENSIONS = 200


def bm25(posts: list[Post]) -> Scores:
    counter = CountVectorizer(stop_words="english")
    counts = counter.fit_transform(map(text, posts)).astype(np.float64)
    total = counts.shape[0]
    in_posts = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log1p((total - in_posts + 0.5) / (in_posts + 0.5))
    length = np.asarray(counts.sum(axis=1)).ravel()
    rows = np.repeat(np.arange(total), np.diff(counts.indptr))
    saturated = counts.data * (K1 + 1) / (counts.data + K1 * (1 - B + B * length / length.mean())[rows])
    documents = sparse.csr_matrix((saturated * rarity[counts.indices], counts.indices, counts.indptr), counts.shape)
    queries = counter.transform([" ".join([post["title"], *post["tags"]]) for post in posts]).tolil()
    weights = counts.multiply(rarity).tocsr()
    for row in range(total):
        own = slice(weights.indptr[row], weights.indptr[row + 1])
        best = weights.indices[own][np.argsort(-weights.data[own], kind="stable")[:TERMS]]
        queries[row, best] = 1
    queries = queries.tocsr()
    queries.data[:] = 1
    scores: Scores = (queries.astype(np.float64) @ documents.T).toarray()
    return scores


def svd(posts: list[Post]) -> Scores:
    weights = TfidfVectorizer(stop_words="english", sublinear_tf=True, min_df=2).fit_transform(map(text, posts))
    size = min(DIMENSIONS, min(weights.shape) - 1)
    points = normalize(TruncatedSVD(size, random_state=0).fit_transform(weights))
    scores: Scores = points @ points.T
    return scores


def text(post: Post) -> str:
    return " ".join([post["title"], post["title"], *post["tags"], post["body_text"]])


def main() -> None:
    posts = [json.loads(line) for line in sys.stdin]
    alike = {"bm25": bm25, "svd": svd}[sys.argv[1]](posts)
    np.fill_diagonal(alike, -np.inf)
    for post, row in zip(posts, alike, strict=True):
        best = np.argsort(-row, kind="stable")[:LENGTH]
        print(json.dumps({"id": post["id"], "related": [posts[at]["id"] for at in best]}))


if __name__ == "__main__":
    main()
