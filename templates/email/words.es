# Español. El texto tras «key:» ocupa el lugar de [[key]]. Tratamos de tú.

date: W D de M
moment: W D de M, T
first: 1
weekdays: dom lun mar mié jue vie sáb
months: enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre

guest: Alguien

greeting: Hola{{with .Reader.Name}}, {{.}}{{end}}:
signature: {{.Site.Name}}

reply_subject: Re: {{with .Thread.Title}}{{cut . 120}}{{else}}{{$.Site.Name}}{{end}}
reply_title: {{if eq .Count 1}}{{if eq .First.Reason "reply"}}{{.First.Comment.Author}} te ha respondido{{else}}{{.First.Comment.Author}} ha escrito{{end}}{{else}}{{.Count}} comentarios nuevos{{end}}
reply_intro: Hay {{plural .Count "one" "un comentario nuevo" "other" "# comentarios nuevos"}} en una conversación que sigues.

digest_subject: {{plural .Count "one" "# comentario nuevo" "other" "# comentarios nuevos"}} en {{with .Only.Title}}«{{cut . 80}}»{{else}}{{$.Site.Name}}{{end}}
digest_title: {{plural .Count "one" "Un comentario nuevo" "other" "# comentarios nuevos"}}
digest_since: Esto es lo que se ha dicho{{with .Since}} desde el {{.}}{{end}} en las conversaciones que sigues.
untitled: Una conversación

group_count: {{plural .Count "one" "# comentario nuevo" "other" "# comentarios nuevos"}}
mute: Silenciar esta conversación
storm: Esta conversación está muy animada, así que hemos reunido varios comentarios en un solo correo.
more: y {{plural .More "one" "uno más" "other" "# más"}}
more_link: Leer en la web

edited: editado
late: escrito el {{.Comment.Written}}, publicado después
why_reply: te responde
why_subtree: bajo un comentario que sigues
why_thread: conversación que sigues
why_author: sigues a {{.Comment.Author}}
why_site: nuevo en {{.Site.Name}}
parent: {{.Author}} había escrito
parent_above: responde al comentario anterior
read_on: Seguir leyendo
answer: Responder

foot_why: Recibes este correo porque sigues conversaciones en {{.Site.Name}}{{with .Schedule}} ({{.}}){{end}}.
foot_stop: Darse de baja
foot_scope: Con un clic dejas de recibir {{.}}.
foot_manage: Cambiar lo que recibes
foot_view: En el navegador, y por qué lo recibes

confirm_subject: Confirma, por favor: correos de {{.Site.Name}}
confirm_title: Un clic y tendrás noticias
confirm_intro: Alguien, seguramente tú, ha pedido a {{.Site.Name}} que escriba a esta dirección {{with .Data.what}}sobre {{.}}{{else}}cuando haya comentarios nuevos{{end}}{{with .Schedule}} ({{.}}){{end}}.
confirm_ask: Solo lo haremos cuando digas que sí:
confirm_button: Sí, quiero recibirlos
confirm_plain: ¿No funciona el botón? Abre esta dirección:
confirm_expiry: El enlace es válido durante siete días.
confirm_not_you: ¿No has sido tú? No hagas nada. Sin tu sí no recibirás más correos nuestros.

link_subject: Tu enlace a lo que {{.Site.Name}} te envía
link_title: Tu enlace
link_intro: Alguien, probablemente tú, ha pedido un enlace a lo que {{.Site.Name}} envía a esta dirección.
link_ask: Con él puedes ver y cambiar todo, llevarte una copia de tus datos o hacer que se borren:
link_button: Abrir mi página
link_plain: ¿No funciona el botón? Abre esta dirección:
link_expiry: El enlace vale una hora. Después puedes pedir otro.
link_not_you: ¿No has sido tú? No hagas nada. No se ha cambiado nada y solo tú tienes este enlace.

test_subject: Correo de prueba de {{.Site.Name}}
test_title: El correo ha llegado
test_intro: Esta es una prueba de los correos de {{.Site.Name}}. Si puedes leerla, el envío funciona.
test_sent: Enviado: {{.Sent}}
test_hint: Mira también las cabeceras de este correo: el servidor que lo ha recibido anota ahí si SPF, DKIM y DMARC son correctos.

notice_subject: Hearback en {{.Site.Name}}: {{with .Data.title}}{{.}}{{else}}échale un vistazo{{end}}
notice_title: {{with .Data.title}}{{.}}{{else}}Échale un vistazo{{end}}
notice_mend: Qué hacer
notice_link: Abrir la página de administración
notice_why: Recibes este correo porque tu dirección figura en admin.notify, en la configuración.
