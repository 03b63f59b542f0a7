"""
The controller of ../web-site.js as a program of its own: a site is a ConfigMap, its page and its asset are others. It has two of
the mistakes, which web_site_mended.py does not make.
"""

from kube import MAPS, SITES, Api, asset_of, delete_if_there, note, put


def publish(api, site):
    name = site["metadata"]["name"]
    put(api, f"{name}-page", "page", {"html": f"<h1>{site['data']['text']}</h1>"})
    if asset_of(site) is not None:
        return
    # First mistake: a crash between these two leaves an asset that nobody knows of, and another one is made.
    asset = {"metadata": {"generateName": f"{name}-asset-", "labels": {"role": "asset"}}, "data": {"logo": name}}
    note(api, name, api.ask("POST", MAPS, asset)["metadata"]["name"])


def unpublish(api, site):
    delete_if_there(api, f"{site['metadata']['name']}-page")
    if asset_of(site) is not None:
        delete_if_there(api, asset_of(site))


def main():
    api = Api()
    while True:
        sites = api.ask("GET", SITES)
        for site in sites["items"]:
            publish(api, site)
        for event, site in api.watch(SITES, sites["metadata"]["resourceVersion"]):
            # Second mistake: who is not there when a site is deleted never hears of it.
            if event == "DELETED":
                unpublish(api, site)
            elif event in ("ADDED", "MODIFIED"):
                publish(api, site)
            else:
                break


print("at work", flush=True)
main()
