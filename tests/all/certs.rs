//! `certs` and `letsencrypt`.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use snapbox::str;

use crate::support::{MockServer, Request, Response, Story, ordinary};

const MADE: &str = r#"{"id":"cert-new","domain":"www.site.test"}"#;

const SOLVERS: &str = r#"{"role":"arn:aws:iam::1:role/certs","solvers":[
    {"id":1,"dns-zones":["site.test"],"route53":{"region":"eu-west-1","role":"arn:1"}}]}"#;

fn answer(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /certificates" => Response::json(
            r#"[{"id":"cert-1","domain":"www.site.test","domains":["www.site.test"],
                 "expiration":"1970-01-01T00:00:00Z"},
                {"id":"cert-2","domain":"new.site.test","status":"Pending"}]"#,
        ),
        "GET /certificates?generated=true" => Response::json("[]"),
        "POST /certificates" | "POST /certificates/generate" => Response::json(MADE),
        "DELETE /certificates/cert-1"
        | "POST /certificates/web/renew"
        | "PUT /letsencrypt/config" => Response::refusal(200, "ok\n"),
        "DELETE /certificates/cert-9" => Response::refusal(404, "no such certificate: cert-9"),
        "GET /letsencrypt/config" => Response::json(SOLVERS),
        _ => ordinary(ask),
    }
}

#[test]
fn certificates_are_listed_made_renewed_and_deleted() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox certs").prints(str![[r#"
ID      DOMAIN         EXPIRES           Status
cert-1  www.site.test  a long while ago  Ready
cert-2  new.site.test                    Pending
"#]]);
    story.run("convox certs --generated").prints(str!["ID  DOMAIN  EXPIRES  Status"]);
    assert_eq!(story.run("convox certs --json").json()[1]["status"], "Pending");
    story
        .run("convox certs generate www.site.test site.test --issuer letsencrypt")
        .prints(str!["Generating certificate... OK, cert-new"]);
    let sent = fake.one("POST /certificates/generate").text();
    assert_eq!(sent, "domains=www.site.test%2Csite.test&issuer=letsencrypt");
    story.run("convox certs generate www.site.test --id").code(0).out("cert-new");
    story.run("convox certs renew").prints(str!["Renewing certificate web... OK"]);
    story.run("convox certs delete cert-1").prints(str!["Deleting certificate cert-1... OK"]);
    story.run("convox certs delete cert-9").fails(str![[r#"
ERROR: no such certificate: cert-9
HINT: list certificates with: convox certs
"#]]);
    for (args, error) in [
        ("'www.site.test, site.test'", "a domain has no blanks or commas"),
        ("'www.site.test '", "a domain has no blanks or commas"),
        ("''", "a domain has no blanks or commas"),
        ("www.site.test --duration 90", "not a duration: a number and a unit is expected"),
        ("www.site.test --duration 0s", "it is zero"),
    ] {
        let ran = story.run(&format!("convox certs generate {args}"));
        ran.code(2).out("").stderr_contains(error);
    }
    assert_eq!(fake.count("POST /certificates/generate"), 2);
}

/// A certificate that signs itself, and its key.
fn pem() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["www.site.test".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// A certificate, its key, its issuer, and the issuer of that.
fn issued() -> [String; 4] {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let new_key = || KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(authority("root"), new_key()).unwrap();
    let middle = CertifiedIssuer::signed_by(authority("middle"), new_key(), &root).unwrap();
    let key = new_key();
    let leaf = CertificateParams::new(vec!["www.site.test".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &middle).unwrap();
    [leaf.pem(), key.serialize_pem(), middle.pem(), root.pem()]
}

#[test]
fn a_certificate_is_imported_with_its_key() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    let (certificate, key) = pem();
    story.write("site.pem", &certificate).write("site.key", &key);
    story
        .run("convox certs import site.pem site.key")
        .prints(str!["Importing certificate... OK, cert-new"]);
    let made = story.run("convox certs import site.pem site.key --json").json();
    assert_eq!(made, serde_json::json!({"id": "cert-new", "domain": "www.site.test"}));
}

#[test]
fn files_that_do_not_fit_together_are_never_sent() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    let ((certificate, key), (_, other_key)) = (pem(), pem());
    let (other_chain, _) = pem();
    story.write("site.pem", &certificate).write("site.key", &key).write("other.key", &other_key);
    story.write("chain.pem", &other_chain).write("notes.txt", "the secret is hunter2\n");
    story.write("locked.key", &key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE"));
    story.run("convox certs import site.pem other.key").fails(str![[r#"
ERROR: other.key: the private key does not belong to the certificate
HINT: give the key that the certificate was requested with
"#]]);
    story.run("convox certs import site.pem notes.txt").fails(str![[r#"
ERROR: notes.txt is not in PEM
HINT: it should begin with -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----
"#]]);
    story.run("convox certs import site.pem locked.key").fails(str![[r#"
ERROR: locked.key: the private key is encrypted
HINT: a rack can't decrypt it: openssl pkey -in KEY -out PLAIN-KEY removes it
"#]]);
    story.run("convox certs import site.pem site.key --chain chain.pem").ok();
    let [leaf, leaf_key, middle, root] = issued();
    story.write("leaf.pem", &leaf).write("leaf.key", &leaf_key);
    story
        .write("turned.pem", &format!("{root}{middle}"))
        .write("right.pem", &format!("{middle}{root}"));
    story.run("convox certs import leaf.pem leaf.key --chain turned.pem").fails(str![[r#"
ERROR: turned.pem: the chain is in the wrong order
HINT: the issuer of the certificate comes first, then the issuer of that, and so on
"#]]);
    story.run("convox certs import leaf.pem leaf.key --chain chain.pem").fails(str![[r#"
ERROR: chain.pem: the chain does not belong to the certificate: its issuer is not in it
HINT: give the chain that came with the certificate
"#]]);
    story.run("convox certs import leaf.pem leaf.key --chain right.pem").ok();
    story.run("convox certs import site.pem site.key --chain missing.pem").fails(str![
        "ERROR: failed to read the file missing.pem: No such file or directory (os error 2)"
    ]);
    story.run("convox certs import site.pem site.key --chain notes.txt").fails(str![[r#"
ERROR: notes.txt is not in PEM
HINT: it should begin with -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----
"#]]);
    assert_eq!(fake.count("POST /certificates"), 2, "those that fit");
}

#[test]
fn a_rack_that_refuses_swapped_files_is_explained() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "POST /certificates" => Response::refusal(400, "could not parse certificate"),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    let (certificate, key) = pem();
    story.write("site.pem", &certificate).write("site.key", &key);
    let ran = story.run("convox certs import site.key site.pem");
    ran.code(1).stderr_contains("ERROR: could not parse certificate\n");
    ran.stderr_contains(
        "HINT: site.key has no certificate: it comes first, then its private key\n",
    );
}

#[test]
fn solvers_are_listed_added_changed_and_deleted() {
    let fake = MockServer::new(answer);
    let story = Story::against(&fake);
    story.run("convox letsencrypt dns route53 list").prints(str![[r#"
ID  DNS-ZONES  HOSTED-ZONE-ID  REGION     ROLE
1   site.test                  eu-west-1  arn:1
"#]]);
    story.run("convox letsencrypt dns route53 role").prints(str!["arn:aws:iam::1:role/certs"]);
    story
        .run("convox letsencrypt dns route53 add --id 2 --dns-zones a.test,b.test --role arn:2")
        .prints(str!["OK"]);
    let sent: serde_json::Value =
        serde_json::from_slice(&fake.one("PUT /letsencrypt/config").body).unwrap();
    assert_eq!(sent["solvers"][1]["dns-zones"], serde_json::json!(["a.test", "b.test"]));
    let changed =
        story.run("convox letsencrypt dns route53 update --id 1 --region us-east-1 --json").json();
    assert_eq!(changed[0]["region"], "us-east-1");
    assert_eq!(changed[0]["dns_zones"], serde_json::json!(["site.test"]));
    story.run("convox letsencrypt dns route53 delete --id 1").prints(str!["OK"]);
    story.run("convox letsencrypt dns route53 delete --id 7").fails(str![[r#"
ERROR: not found or invalid id
HINT: list the ids with: convox letsencrypt dns route53 list
"#]]);
    story.run("convox letsencrypt dns route53 add --id 1 --dns-zones a.test --role arn:2").fails(
        str![[r#"
ERROR: id required or provided id is already in use
HINT: list the ids with: convox letsencrypt dns route53 list
"#]],
    );
    story.run("convox letsencrypt dns route53 add --id 0").fails(str![[r#"
ERROR: invalid id or id is not provided
HINT: give a number from 1 on with --id
"#]]);
}
