//! `ssl` and `balancers`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

#[test]
fn ports_are_listed_with_their_certificates() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/services" => Response::json(
            r#"[{"name":"web","ports":[{"balancer":80,"container":3000},
                {"balancer":443,"container":3000,"certificate":"cert-1"},
                {"balancer":8443,"container":3000,"certificate":"cert-gone"}]}]"#,
        ),
        "GET /certificates" => Response::json(
            r#"[{"id":"cert-1","domain":"web.test","expiration":"1970-01-01T00:00:00Z"}]"#,
        ),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox ssl").prints(str![[r#"
ENDPOINT  CERTIFICATE  DOMAIN    EXPIRES
web:443   cert-1       web.test  a long while ago
web:8443  cert-gone
"#]]);
    let expected = serde_json::json!({
        "service": "web", "port": 443, "certificate": "cert-1", "domain": "web.test",
        "expires": "TIME",
    });
    assert_eq!(story.run("convox ssl --json").json()[0], expected);
}

#[test]
fn a_certificate_is_set_for_an_app_of_the_first_generation_only() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web" => Response::json(r#"{"name":"web","status":"running","generation":"1"}"#),
        "GET /apps/new" => Response::json(r#"{"name":"new","status":"running","generation":"2"}"#),
        "PUT /apps/web/ssl/web/443" => Response::refusal(200, "ok\n"),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox ssl update web:443 cert-1").prints(str!["Updating certificate... OK"]);
    assert_eq!(fake.one("PUT /apps/web/ssl/web/443").text(), "id=cert-1");
    story.run("convox ssl update web:443 cert-1 -a new").fails(str![[r#"
ERROR: command not valid for generation 2 applications
HINT: the rack chooses the certificate of a service by its domains in convox.yml
"#]]);
    story.run("convox ssl update web cert-1").fails(str![[r#"
ERROR: process:port required as first argument
HINT: for example web:443
"#]]);
    story.run("convox ssl update web:443").code(2);
}

#[test]
fn the_development_rack_has_neither_certificates_nor_balancers() {
    let story = Story::deployed("web");
    story.run("convox ssl").prints(str!["ENDPOINT  CERTIFICATE  DOMAIN  EXPIRES"]);
    story
        .run("convox ssl update web:443 cert-1")
        .fails(str!["ERROR: the development rack has no certificates: it serves plain HTTP"]);
    story.run("convox balancers").prints(str!["BALANCER  SERVICE  ENDPOINT"]);
    story.run("convox balancers -a shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
}

#[test]
fn balancers_are_listed() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/balancers" => Response::json(
            r#"[{"name":"outer","service":"web","endpoint":"outer.elb.test",
                "ports":[{"protocol":"TCP","source":5000,"target":3001}]}]"#,
        ),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox balancers").prints(str![[r#"
BALANCER  SERVICE  ENDPOINT
outer     web      outer.elb.test
"#]]);
    let expected = serde_json::json!([{
        "name": "outer", "service": "web", "endpoint": "outer.elb.test",
        "ports": [{"protocol": "TCP", "source": 5000, "target": 3001}],
    }]);
    assert_eq!(story.run("convox balancers --json").json(), expected);
}
