{
const field = document.querySelector(".filter"), status = field.nextElementSibling
const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
const posts = [...document.querySelectorAll(".year li")].map(item => [item, plain(item.textContent)])
const look = () => {
  const words = plain(field.value).split(/\s+/)
  let found = 0
  for (const [item, text] of posts) found += !(item.hidden = !words.every(word => text.includes(word)))
  for (const year of document.querySelectorAll(".year")) year.hidden = !year.querySelector("li:not([hidden])")
  status.textContent = field.value ? `${found} of ${posts.length} articles` : ""
  status.classList.toggle("hidden", !field.value)
}
field.hidden = false
field.value = new URLSearchParams(location.search).get("q") ?? ""
field.addEventListener("input", look)
look()
}
